/// <reference path="./interfaces/headgate-function-call.d.ts" />
/// <reference path="./interfaces/headgate-function-host-types.d.ts" />
/// <reference path="./interfaces/headgate-function-log.d.ts" />
/// <reference path="./interfaces/headgate-function-messaging.d.ts" />
/// <reference path="./interfaces/headgate-function-types.d.ts" />
/// <reference path="./interfaces/wasi-clocks-monotonic-clock.d.ts" />
/// <reference path="./interfaces/wasi-config-store.d.ts" />
/// <reference path="./interfaces/wasi-http-outgoing-handler.d.ts" />
/// <reference path="./interfaces/wasi-http-types.d.ts" />
/// <reference path="./interfaces/wasi-io-error.d.ts" />
/// <reference path="./interfaces/wasi-io-poll.d.ts" />
/// <reference path="./interfaces/wasi-io-streams.d.ts" />
/// <reference path="./interfaces/wasi-keyvalue-atomics.d.ts" />
/// <reference path="./interfaces/wasi-keyvalue-batch.d.ts" />
/// <reference path="./interfaces/wasi-keyvalue-store.d.ts" />
/// <reference path="./interfaces/wasi-logging-logging.d.ts" />
declare module 'headgate:function/full@0.1.0' {
  export type Event = import('headgate:function/types@0.1.0').Event;
  export type Context = import('headgate:function/types@0.1.0').Context;
  export type Response = import('headgate:function/types@0.1.0').Response;
  export type Failure = import('headgate:function/types@0.1.0').Failure;
  export type * as HeadgateFunctionCall010 from 'headgate:function/call@0.1.0'; // import headgate:function/call@0.1.0
  export type * as HeadgateFunctionHostTypes010 from 'headgate:function/host-types@0.1.0'; // import headgate:function/host-types@0.1.0
  export type * as HeadgateFunctionLog010 from 'headgate:function/log@0.1.0'; // import headgate:function/log@0.1.0
  export type * as HeadgateFunctionMessaging010 from 'headgate:function/messaging@0.1.0'; // import headgate:function/messaging@0.1.0
  export type * as HeadgateFunctionTypes010 from 'headgate:function/types@0.1.0'; // import headgate:function/types@0.1.0
  export type * as WasiClocksMonotonicClock020 from 'wasi:clocks/monotonic-clock@0.2.0'; // import wasi:clocks/monotonic-clock@0.2.0
  export type * as WasiConfigStore020Rc1 from 'wasi:config/store@0.2.0-rc.1'; // import wasi:config/store@0.2.0-rc.1
  export type * as WasiHttpOutgoingHandler020 from 'wasi:http/outgoing-handler@0.2.0'; // import wasi:http/outgoing-handler@0.2.0
  export type * as WasiHttpTypes020 from 'wasi:http/types@0.2.0'; // import wasi:http/types@0.2.0
  export type * as WasiIoError020 from 'wasi:io/error@0.2.0'; // import wasi:io/error@0.2.0
  export type * as WasiIoPoll020 from 'wasi:io/poll@0.2.0'; // import wasi:io/poll@0.2.0
  export type * as WasiIoStreams020 from 'wasi:io/streams@0.2.0'; // import wasi:io/streams@0.2.0
  export type * as WasiKeyvalueAtomics020Draft2 from 'wasi:keyvalue/atomics@0.2.0-draft2'; // import wasi:keyvalue/atomics@0.2.0-draft2
  export type * as WasiKeyvalueBatch020Draft2 from 'wasi:keyvalue/batch@0.2.0-draft2'; // import wasi:keyvalue/batch@0.2.0-draft2
  export type * as WasiKeyvalueStore020Draft2 from 'wasi:keyvalue/store@0.2.0-draft2'; // import wasi:keyvalue/store@0.2.0-draft2
  export type * as WasiLoggingLogging010Draft from 'wasi:logging/logging@0.1.0-draft'; // import wasi:logging/logging@0.1.0-draft
  export function handle(event: Event, context: Context): Response;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
