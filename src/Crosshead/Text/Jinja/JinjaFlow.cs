using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>Where a template continues after a statement.</summary>
internal enum JinjaFlow
{
    /// <summary>At the next statement.</summary>
    Next,

    /// <summary>At the loop's next item.</summary>
    Continue,

    /// <summary>Behind the loop.</summary>
    Break,
}

/// <summary>A statement, ready to be run.</summary>
internal delegate JinjaFlow JinjaStatement(JinjaScope scope, StringBuilder output);
