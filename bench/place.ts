/** Where a bench takes place: made once, and shared by all runs. */
export interface Place<P extends AsyncDisposable> {
  readonly inWords: string;
  start(): Promise<P>;
}
