namespace Crosshead.Serving;

/// <summary>
/// Splits the prompt tokens of a step among the sequences whose prompts are being computed: equally, the shortest
/// remainder first, so that what it leaves goes to the others. Nobody is passed over for long.
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class PrefillShares(EngineOptions options)
{
    /// <summary>Sequences among which the tokens of a step are split, if all need many.</summary>
    public const int MostShares = 8;

    // Rows of logits wanted of prompts in one step: at 150,000 tokens each they take 77 MB.
    private const int MostPromptRows = 128;
    private const int MostPassedOver = 8;
    private readonly List<Sequence> _sequences = [];

    /// <summary>Adds the shares to a plan.</summary>
    /// <param name="running">All sequences that have a slot.</param>
    /// <param name="budget">Tokens to split.</param>
    /// <param name="plan">The plan; it holds the sequences that decode.</param>
    public void Add(List<Sequence> running, int budget, StepPlan plan)
    {
        _sequences.Clear();
        foreach (var sequence in running)
            if (sequence is { Left: > 1, IsPaused: false }) _sequences.Add(sequence);
        _sequences.Sort(static (a, b) => (a.PassedOver >= MostPassedOver, b.PassedOver >= MostPassedOver) switch
        {
            (true, false) => -1,
            (false, true) => 1,
            _ => a.Left != b.Left ? a.Left.CompareTo(b.Left) : a.CompareTo(b),
        });
        var (left, rows) = (budget, MostPromptRows);
        var grain = Math.Clamp(options.PrefillGrain, 1, Math.Max(1, budget));
        for (var i = 0; i < _sequences.Count; i++)
        {
            var sequence = _sequences[i];
            var share = left / Math.Min(_sequences.Count - i, MostShares) / grain * grain;
            var count = Math.Min(left, Math.Min(sequence.Left, Math.Max(grain, share)));
            var unit = sequence.WantsPromptRows ? Math.Min(grain, MostPromptRows) : grain;
            if (sequence.WantsPromptRows) count = Math.Min(count, rows);
            if (count < sequence.Left) count -= count % unit;
            if (count == 0)
            {
                sequence.PassedOver++;
                continue;
            }
            sequence.PassedOver = 0;
            left -= count;
            if (sequence.WantsPromptRows) rows -= count;
            plan.Add(sequence, count);
        }
    }
}
