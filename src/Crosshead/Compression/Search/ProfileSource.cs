namespace Crosshead.Compression.Search;

/// <summary>What a profile was measured on.</summary>
/// <param name="Model">Names the model's weights: <see cref="Checkpoints.WeightsHash"/>.</param>
/// <param name="Text">Names the windows that the fits were calibrated on and those that the loss was measured
/// on.</param>
public sealed record ProfileSource(string Model, string Text)
{
    /// <summary>Refuses another model or text.</summary>
    /// <param name="other">The source of what is to be used.</param>
    /// <param name="what">What that is called in the message.</param>
    /// <exception cref="CrossheadException">They differ; the message says in what.</exception>
    public void RequireSame(ProfileSource other, string what)
    {
        RequireSameModel(other, what);
        if (other.Text != Text)
            throw new CrossheadException($"{what} was measured on other text or windows ({other.Text}, not {Text}); "
                + $"use the same text and windows, or write to another file.");
    }

    /// <summary>Refuses another model.</summary>
    /// <param name="other">The source of what is to be used.</param>
    /// <param name="what">What that is called in the message.</param>
    /// <exception cref="CrossheadException">They differ.</exception>
    public void RequireSameModel(ProfileSource other, string what)
    {
        if (other.Model != Model)
            throw new CrossheadException($"{what} is of another model (weights {other.Model}, not {Model}); profile "
                + $"this model, or name the other one.");
    }
}
