namespace Crosshead.Reports.Pages;

/// <summary>A text that a trained model wrote.</summary>
/// <param name="Prompt">What it was given; may be empty.</param>
/// <param name="Text">What it wrote after that.</param>
public sealed record ReportSample(string Prompt, string Text);
