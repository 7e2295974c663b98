namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>How a request ended.</summary>
internal enum RequestOutcome
{
    /// <summary>The whole answer arrived.</summary>
    Done,

    /// <summary>The server refused the request because it had too much to do.</summary>
    Rejected,

    /// <summary>The request was refused for another reason, or its answer broke off.</summary>
    Failed,

    /// <summary>This program was stopped before the answer was complete.</summary>
    Cancelled,
}
