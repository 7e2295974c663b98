using Crosshead.Decoding;

namespace Crosshead.Benchmarks.Llama;

/// <summary>A program that computes several sequences step by step.</summary>
internal abstract class BatchEngine(int sequences) : IDisposable
{
    private readonly int[] _ids = new int[sequences];

    /// <summary>Computes a prompt for each sequence, whose cache is empty.</summary>
    public void Begin(int[][] prompts)
    {
        Prefill([.. prompts.Select(prompt => prompt[..^1])]);
        for (var s = 0; s < sequences; s++) _ids[s] = prompts[s][^1];
        Step(_ids);
    }

    /// <summary>
    /// Lets each sequence write its likeliest tokens, and then forgets them. Returns the seconds of each step.
    /// </summary>
    public double[] Turn(int steps)
    {
        var times = new double[steps];
        for (var i = 0; i < steps; i++)
            times[i] = CacheComparison.Seconds(() =>
            {
                for (var s = 0; s < sequences; s++) _ids[s] = LogitRow.MostLikely(Logits(s)).Id;
                Step(_ids);
            });
        Rewind(steps);
        return times;
    }

    /// <summary>
    /// Forgets everything, computes the prompts again, and returns the seconds that all but their last tokens took.
    /// </summary>
    public double Again(int[][] prompts)
    {
        Rewind(prompts[0].Length);
        var seconds = CacheComparison.Seconds(() => Prefill([.. prompts.Select(prompt => prompt[..^1])]));
        Step(_ids);
        return seconds;
    }

    /// <summary>Logits [V] after a sequence's last token.</summary>
    public abstract ReadOnlySpan<float> Logits(int sequence);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Computes all tokens of prompts.</summary>
    protected abstract void Prefill(int[][] prompts);

    /// <summary>Computes one token of every sequence.</summary>
    protected abstract void Step(int[] ids);

    /// <summary>
    /// Forgets the last tokens of every sequence. The logits stay those of the last step: the next turn begins with
    /// them.
    /// </summary>
    protected abstract void Rewind(int tokens);
}
