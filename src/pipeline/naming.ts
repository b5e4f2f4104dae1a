import { ofSink } from '../core/errors.ts';

/** Several sinks may be of one kind: what one of them rejects with says which it is. */
export async function naming<T>(sink: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw ofSink(sink, error);
  }
}
