/// <reference path="./headgate-function-host-types.d.ts" />
/// <reference path="./headgate-function-types.d.ts" />
declare module 'headgate:function/messaging@0.1.0' {
  /**
   * Offers it to the routes of the topic, and publishes it there. Returns once it is on disk, if a route takes it.
   */
  export function publish(message: Message): void;
  /**
   * Offers it to the routes of the topic as a call, and waits for the answer.
   */
  export function request(message: Message, timeoutMs: bigint | undefined): Payload;
  export type Body = import('headgate:function/types@0.1.0').Body;
  export type Payload = import('headgate:function/types@0.1.0').Payload;
  export type Error = import('headgate:function/host-types@0.1.0').Error;
  export interface Message {
    topic: string,
    data: Body,
    datacontenttype?: string,
  }
}
