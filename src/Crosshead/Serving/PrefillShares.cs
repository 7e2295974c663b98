using Crosshead.Decoding;

namespace Crosshead.Serving;

/// <summary>
/// Splits the prompt tokens of a step, and what they may cost, among the sequences whose prompts are being computed:
/// equally, the shortest remainder first, so that what it leaves goes to the others. Nobody is passed over for long.
/// </summary>
/// <param name="options">The limits.</param>
/// <param name="cost">What tokens cost.</param>
internal sealed class PrefillShares(EngineOptions options, PromptCost cost)
{
    /// <summary>Sequences among which the tokens of a step are split, if all need many.</summary>
    public const int MostShares = 8;

    // Rows of logits wanted of prompts in one step: at 150,000 tokens each they take 77 MB.
    private const int MostPromptRows = 128;
    private const int MostPassedOver = 8;
    private readonly List<Sequence> _sequences = [];

    /// <summary>Adds the shares to a plan.</summary>
    /// <param name="running">All sequences that have a slot.</param>
    /// <param name="budget">What to split.</param>
    /// <param name="plan">The plan; it holds the sequences that decode.</param>
    public void Add(List<Sequence> running, PromptBudget budget, StepPlan plan)
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
        var (left, usual, most) = budget;
        var (rows, anyone) = (MostPromptRows, false);
        var grain = Math.Clamp(options.PrefillGrain, 1, Math.Max(1, left));
        for (var i = 0; i < _sequences.Count; i++)
        {
            var sequence = _sequences[i];
            var shares = Math.Min(_sequences.Count - i, MostShares);
            var share = left / shares / grain * grain;
            var tokens = cost.Tokens(usual / shares, most / shares, sequence.Computed);
            if (tokens < share) share = (int)tokens / grain * grain;
            var count = Math.Min(left, Math.Min(sequence.Left, Math.Max(grain, share)));
            if (anyone && usual <= 0) count = 0;
            var unit = sequence.WantsPromptRows ? Math.Min(grain, MostPromptRows) : grain;
            if (sequence.WantsPromptRows) count = Math.Min(count, rows);
            if (count < sequence.Left) count -= count % unit;
            if (count == 0)
            {
                sequence.PassedOver++;
                continue;
            }
            sequence.PassedOver = 0;
            var own = cost.Of(count, sequence.Computed);
            (left, usual, most, anyone) = (left - count, usual - own, most - own, true);
            if (sequence.WantsPromptRows) rows -= count;
            plan.Add(sequence, count, cost);
        }
    }
}
