/** An action that is done with the first call, whose error every later call repeats. */
export function once(act: () => void): () => void {
  let outcome: { error?: unknown } | undefined;
  return () => {
    if (!outcome) {
      outcome = {};
      try {
        act();
      } catch (error) {
        outcome = { error };
      }
    }
    if ("error" in outcome) throw outcome.error;
  };
}
