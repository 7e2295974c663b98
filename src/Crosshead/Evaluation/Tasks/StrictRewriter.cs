using Fluid.Ast;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// Makes every name in a template a <see cref="StrictMember"/>, and collects the names and filters it uses.
/// </summary>
internal sealed class StrictRewriter : AstRewriter
{
    private readonly HashSet<string> _used = [];
    private readonly HashSet<string> _own = ["forloop"];

    /// <summary>Names that come from outside the template.</summary>
    public IReadOnlySet<string> Names => _used.Except(_own).ToHashSet();

    /// <summary>Filters in the template.</summary>
    public HashSet<string> Filters { get; } = [];

    protected override Expression VisitMemberExpression(MemberExpression memberExpression)
    {
        if (memberExpression.Segments is [IdentifierSegment first, ..]) _used.Add(first.Identifier);
        return new StrictMember(memberExpression);
    }

    protected override Expression VisitFilterExpression(FilterExpression filterExpression)
    {
        Filters.Add(filterExpression.Name);
        return base.VisitFilterExpression(filterExpression);
    }

    protected override Statement VisitAssignStatement(AssignStatement assignStatement)
    {
        _own.Add(assignStatement.Identifier);
        return base.VisitAssignStatement(assignStatement);
    }

    protected override Statement VisitCaptureStatement(CaptureStatement captureStatement)
    {
        _own.Add(captureStatement.Identifier);
        return base.VisitCaptureStatement(captureStatement);
    }

    protected override Statement VisitForStatement(ForStatement forStatement)
    {
        _own.Add(forStatement.Identifier);
        return base.VisitForStatement(forStatement);
    }
}
