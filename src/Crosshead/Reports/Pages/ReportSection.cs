namespace Crosshead.Reports.Pages;

/// <summary>A part of a report page: a heading, and a template with the values it shows.</summary>
/// <param name="Heading">The heading; empty for a part that stands without one.</param>
/// <param name="Template">The name of the template among the embedded resources.</param>
/// <param name="Model">What the template calls <c>model</c>: dictionaries, lists, strings and numbers as text.</param>
internal sealed record ReportSection(string Heading, string Template, IReadOnlyDictionary<string, object?> Model);
