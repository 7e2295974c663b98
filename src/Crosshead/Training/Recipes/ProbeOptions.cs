using System.ComponentModel.DataAnnotations;
using Crosshead.Data.Recall;

namespace Crosshead.Training.Recipes;

/// <summary>What is measured of the model during training besides the held-out loss.</summary>
public sealed record ProbeOptions
{
    /// <summary>
    /// Recall tasks, such as <c>pairs_128</c>. Measured is the share of right answers in texts that no training has.
    /// </summary>
    public IReadOnlyList<string> Recall { get; init; } = [];

    /// <summary>Number of texts per task.</summary>
    [Range(1, 1_000_000)]
    public int Texts { get; init; } = 32;

    /// <summary>Number of steps between two measurements. 0 means only after the last step.</summary>
    [Range(0, int.MaxValue)]
    public int Every { get; init; }

    /// <summary>Checks the names of the tasks.</summary>
    /// <exception cref="CrossheadException">There is none, or one is unknown.</exception>
    internal void Validate()
    {
        if (Recall.Count == 0)
            throw new CrossheadException("training.probes names no tasks; set training.probes.recall, for example to "
                + "[\"pairs_128\"], or training.probes to null.");
        foreach (var name in Recall) _ = RecallTask.Parse(name);
        if (Recall.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new CrossheadException($"training.probes.recall names {twice.Key} twice; name each task once.");
    }
}
