/// <reference path="./interfaces/headgate-function-log.d.ts" />
/// <reference path="./interfaces/headgate-function-types.d.ts" />
declare module 'headgate:function/handler@0.1.0' {
  export type Event = import('headgate:function/types@0.1.0').Event;
  export type Context = import('headgate:function/types@0.1.0').Context;
  export type Response = import('headgate:function/types@0.1.0').Response;
  export type Failure = import('headgate:function/types@0.1.0').Failure;
  export type * as HeadgateFunctionLog010 from 'headgate:function/log@0.1.0'; // import headgate:function/log@0.1.0
  export type * as HeadgateFunctionTypes010 from 'headgate:function/types@0.1.0'; // import headgate:function/types@0.1.0
  export function handle(event: Event, context: Context): Response;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}
