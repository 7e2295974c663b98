using System.ComponentModel.DataAnnotations;

namespace Crosshead.Layers;

/// <summary>The rotary positions of some of a model's layers.</summary>
public sealed record RotaryOptions
{
    /// <summary>Base θ of the frequencies.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double Base { get; init; } = 10000;

    /// <summary>How the frequencies are scaled to a longer context. Null: not at all.</summary>
    public RopeScaling? Scaling { get; init; }

    /// <summary>Checks that the numbers are in range and fit each other.</summary>
    /// <param name="path">Prefix of their names in messages.</param>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate(string path)
    {
        OptionRange.Check(this, path);
        Scaling?.Validate();
    }
}
