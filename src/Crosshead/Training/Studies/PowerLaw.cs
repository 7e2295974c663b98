namespace Crosshead.Training.Studies;

/// <summary>
/// The curve L(D) = a · (D/R)^−α + L_0; with a reference R amid the data its parameters are of ordinary size.
/// </summary>
internal readonly record struct PowerLaw(double Alpha, double Amplitude, double Floor, double Reference)
{
    /// <summary>How many of its numbers are fitted: α, a and L_0.</summary>
    public const int Parameters = 3;

    /// <summary>D_c, where the falling part is 1 nat.</summary>
    public double DataScale => Reference * Math.Pow(Amplitude, 1 / Alpha);

    /// <summary>The loss after so many tokens.</summary>
    public double At(double tokens) => (Amplitude * Math.Pow(tokens / Reference, -Alpha)) + Floor;

    /// <summary>The derivatives of the loss by α, a and L_0.</summary>
    public double[] Gradient(double tokens)
    {
        var part = Math.Pow(tokens / Reference, -Alpha);
        return [-Amplitude * part * Math.Log(tokens / Reference), part, 1];
    }
}
