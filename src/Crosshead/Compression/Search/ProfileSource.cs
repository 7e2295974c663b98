namespace Crosshead.Compression.Search;

/// <summary>The model and the text that a profile was measured on.</summary>
/// <param name="Model">Identifies the model's weights: <see cref="Checkpoints.WeightsHash"/>.</param>
/// <param name="Text">Identifies the windows for calibrating the fits and the windows for measuring the loss.</param>
public sealed record ProfileSource(string Model, string Text)
{
    /// <summary>Refuses a source with another model or text.</summary>
    /// <param name="other">The source to compare.</param>
    /// <param name="what">The name of the other source's data in the message.</param>
    /// <exception cref="CrossheadException">The sources differ; the message names the difference.</exception>
    public void RequireSame(ProfileSource other, string what)
    {
        RequireSameModel(other, what);
        if (other.Text != Text)
            throw new CrossheadException($"{what} was measured on other text or windows ({other.Text}, not {Text}); "
                + $"use the same text and windows, or write to another file.");
    }

    /// <summary>Refuses a source with another model.</summary>
    /// <param name="other">The source to compare.</param>
    /// <param name="what">The name of the other source's data in the message.</param>
    /// <exception cref="CrossheadException">The models differ.</exception>
    public void RequireSameModel(ProfileSource other, string what)
    {
        if (other.Model != Model)
            throw new CrossheadException($"{what} is of another model (weights {other.Model}, not {Model}); profile "
                + $"this model, or name the other one.");
    }
}
