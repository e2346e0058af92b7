/// <reference path="./headgate-function-host-types.d.ts" />
/// <reference path="./headgate-function-types.d.ts" />
declare module 'headgate:function/call@0.1.0' {
  /**
   * Runs a function, `name` or `name@version`, with parameters in JSON, within the caller's own time.
   */
  export function call(function_: string, parameters: string): Payload;
  export type Payload = import('headgate:function/types@0.1.0').Payload;
  export type Error = import('headgate:function/host-types@0.1.0').Error;
}
