/// <reference path="./wasi-keyvalue-store.d.ts" />
declare module 'wasi:keyvalue/atomics@0.2.0-draft2' {
  export function increment(bucket: Bucket, key: string, delta: bigint): bigint;
  export function swap(cas: Cas, value: Uint8Array): void;
  export type Bucket = import('wasi:keyvalue/store@0.2.0-draft2').Bucket;
  export type Error = import('wasi:keyvalue/store@0.2.0-draft2').Error;
  export type CasError = CasErrorStoreError | CasErrorCasFailed;
  export interface CasErrorStoreError {
    tag: 'store-error',
    val: Error,
  }
  export interface CasErrorCasFailed {
    tag: 'cas-failed',
    val: Cas,
  }

  export class Cas implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static 'new'(bucket: Bucket, key: string): Cas;
    current(): Uint8Array | undefined;
    [Symbol.dispose](): void;
  }
}
