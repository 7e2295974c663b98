namespace Crosshead.Reports.Pages;

/// <summary>A text that a trained model wrote.</summary>
/// <param name="Prompt">The start of the text, given to the model; may be empty.</param>
/// <param name="Text">The text that the model wrote after the prompt.</param>
public sealed record ReportSample(string Prompt, string Text);
