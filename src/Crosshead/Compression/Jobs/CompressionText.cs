using Crosshead.TextModels;

namespace Crosshead.Compression.Jobs;

/// <summary>The text of a compression, as windows of tokens.</summary>
/// <param name="Calibration">What the components are fitted on; null for none, which only the method of the paper
/// allows.</param>
/// <param name="HeldOut">What the loss is measured on, before and after; null to measure none.</param>
public sealed record CompressionText(TokenWindows? Calibration, TokenWindows? HeldOut)
{
    /// <summary>No text: nothing is calibrated and no loss is measured.</summary>
    public static CompressionText None { get; } = new(null, null);

    /// <summary>Calibrates on a text's first half, and measures on its second half.</summary>
    /// <param name="text">The text.</param>
    /// <param name="model">The model whose tokenizer reads it.</param>
    /// <param name="windows">How it is cut.</param>
    /// <exception cref="CrossheadException">A half is too short, or a window is longer than the model's
    /// context.</exception>
    public static CompressionText Halved(string text, IModelSource model, WindowOptions windows)
    {
        var (first, second) = Halves(text);
        return Of(first, second, model, windows);
    }

    /// <summary>Calibrates on one text, and measures on another.</summary>
    /// <param name="calibration">The text to calibrate on; null for none.</param>
    /// <param name="heldOut">The text to measure on; null for none.</param>
    /// <param name="model">The model whose tokenizer reads them.</param>
    /// <param name="windows">How they are cut.</param>
    /// <exception cref="CrossheadException">A text is too short, or a window is longer than the model's
    /// context.</exception>
    public static CompressionText Of(string? calibration, string? heldOut, IModelSource model, WindowOptions windows) =>
        new(
            calibration is null ? null : windows.Cut(calibration, "the calibration text", model),
            heldOut is null ? null : windows.Cut(heldOut, "the held-out text", model));

    /// <summary>A text's two halves, parted at an empty line, else at the end of a line, else in its middle.</summary>
    public static (string First, string Second) Halves(string text)
    {
        var half = text.IndexOf("\n\n", text.Length / 2, StringComparison.Ordinal);
        if (half < 0) half = text.IndexOf('\n', text.Length / 2);
        if (half < 0) half = text.Length / 2;
        return (text[..half], text[half..]);
    }
}
