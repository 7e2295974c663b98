using Crosshead.Decoding;

namespace Crosshead.Serving;

/// <summary>What one step computes.</summary>
internal sealed class StepPlan
{
    /// <summary>The sequences, with the number of tokens to compute of each.</summary>
    public List<(Sequence Sequence, int Count)> Runs { get; } = [];

    /// <summary>Number of runs that are the next token of a sequence that has computed all others.</summary>
    public int Decodes { get; private set; }

    /// <summary>Number of tokens of all runs.</summary>
    public int Tokens { get; private set; }

    /// <summary>What the tokens of prompts cost, counted as <see cref="PromptCost"/> does.</summary>
    public double PromptWork { get; private set; }

    /// <summary>The part of it that does not depend on the number of tokens.</summary>
    public double ReadingWork { get; private set; }

    /// <summary>Sequences that got a slot in this step.</summary>
    public List<Sequence> Started { get; } = [];

    /// <summary>Whether a sequence lost its pages in this step.</summary>
    public bool Preempted { get; set; }

    /// <summary>Removes everything.</summary>
    public void Clear()
    {
        Runs.Clear();
        Started.Clear();
        (Decodes, Tokens, Preempted, PromptWork, ReadingWork) = (0, 0, false, 0, 0);
    }

    /// <summary>Adds the next tokens of a sequence.</summary>
    public void Add(Sequence sequence, int count)
    {
        if (sequence.Left == 1) Decodes++;
        Tokens += count;
        Runs.Add((sequence, count));
    }

    /// <summary>Adds tokens of a prompt.</summary>
    public void Add(Sequence sequence, int count, PromptCost cost)
    {
        Add(sequence, count);
        PromptWork += cost.Of(count, sequence.Computed);
        ReadingWork += cost.Reading(sequence.Computed);
    }
}
