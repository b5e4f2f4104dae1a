/** Runs tasks, so many at once. Rejects with the first failure, and not before all that were under way have come to their end. */
export async function sideBySide(most: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = tasks.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const task of waiting) {
      if (failures.length > 0) return;
      await task().catch((error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  if (failures.length > 0) throw failures[0];
}
