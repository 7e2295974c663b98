namespace Crosshead.Reports.Studies;

/// <summary>The law L(D) = (D_c/D)^α + L_0 fitted to a run's held-out losses.</summary>
public sealed record StudyFit
{
    /// <summary>α.</summary>
    public required StudyEstimate Alpha { get; init; }

    /// <summary>D_c in tokens.</summary>
    public required StudyEstimate DataScale { get; init; }

    /// <summary>L_0 in nats a token.</summary>
    public required StudyEstimate Floor { get; init; }

    /// <summary>Standard deviation of the points around the curve, in nats.</summary>
    public required double Noise { get; init; }

    /// <summary>How many points the curve was fitted to.</summary>
    public required int Points { get; init; }

    /// <summary>The curve and its 95 % band at numbers of tokens from left to right.</summary>
    public required IReadOnlyList<(double Tokens, StudyEstimate Loss)> Curve { get; init; }
}
