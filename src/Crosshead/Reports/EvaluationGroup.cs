namespace Crosshead.Reports;

/// <summary>Tasks of one kind in an <see cref="EvaluationReport"/>.</summary>
/// <param name="Name">What they ask for: knowledge, science, mathematics …</param>
/// <param name="Rows">The tasks.</param>
/// <param name="Mean">Their mean; null where there is at most one that counts.</param>
public sealed record EvaluationGroup(string Name, IReadOnlyList<EvaluationRow> Rows, EvaluationRow? Mean);
