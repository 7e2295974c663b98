using Crosshead.TextModels;

namespace Crosshead.Compression.Jobs;

/// <summary>The text of a compression, as windows of tokens.</summary>
/// <param name="Calibration">The windows for fitting the components; null for none. Only
/// <see cref="Fits.CompressionMethod.Svd"/> allows null.</param>
/// <param name="HeldOut">The windows for measuring the loss before and after; null to measure no loss.</param>
public sealed record CompressionText(TokenWindows? Calibration, TokenWindows? HeldOut)
{
    /// <summary>No text: nothing is calibrated and no loss is measured.</summary>
    public static CompressionText None { get; } = new(null, null);

    /// <summary>
    /// Creates windows from one text: the first half for calibration, the second half for measuring the loss.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="model">The model whose tokenizer encodes the text.</param>
    /// <param name="windows">How the text is cut into windows.</param>
    /// <exception cref="CrossheadException">A half is too short, or a window is longer than the model's
    /// context.</exception>
    public static CompressionText Halved(string text, IModelSource model, WindowOptions windows)
    {
        var (first, second) = Halves(text);
        return Of(first, second, model, windows);
    }

    /// <summary>Creates windows from two texts: one for calibration, one for measuring the loss.</summary>
    /// <param name="calibration">The text for calibration; null for none.</param>
    /// <param name="heldOut">The text for measuring the loss; null for none.</param>
    /// <param name="model">The model whose tokenizer encodes the texts.</param>
    /// <param name="windows">How the texts are cut into windows.</param>
    /// <exception cref="CrossheadException">A text is too short, or a window is longer than the model's
    /// context.</exception>
    public static CompressionText Of(string? calibration, string? heldOut, IModelSource model, WindowOptions windows) =>
        new(
            calibration is null ? null : windows.Cut(calibration, "the calibration text", model),
            heldOut is null ? null : windows.Cut(heldOut, "the held-out text", model));

    /// <summary>
    /// Splits a text in two after its middle: at an empty line, otherwise at a line end. Without a line end the text is
    /// split exactly in the middle.
    /// </summary>
    public static (string First, string Second) Halves(string text)
    {
        var half = text.IndexOf("\n\n", text.Length / 2, StringComparison.Ordinal);
        if (half < 0) half = text.IndexOf('\n', text.Length / 2);
        if (half < 0) half = text.Length / 2;
        return (text[..half], text[half..]);
    }
}
