namespace Crosshead.Reports.Pages;

/// <summary>A section of a report page: a heading, and a template with its values.</summary>
/// <param name="Heading">The heading; empty for a section without a heading.</param>
/// <param name="Template">The name of the template, an embedded resource.</param>
/// <param name="Model">The values that the template calls <c>model</c>: dictionaries, lists, strings, and numbers as
/// text.</param>
internal sealed record ReportSection(string Heading, string Template, IReadOnlyDictionary<string, object?> Model);
