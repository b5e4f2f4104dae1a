/** Something that is not as it should be, without a value. */
export interface Problem {
  readonly about: 'log' | 'file' | 'position' | 'rows';
  readonly message: string;
}

export type Report = (about: Problem['about'], message: string) => void;
