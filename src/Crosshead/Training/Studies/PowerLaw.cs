namespace Crosshead.Training.Studies;

/// <summary>
/// The curve L(D) = a · (D/R)^−α + L_0. A reference R within the range of the data keeps the parameters at moderate
/// sizes.
/// </summary>
internal readonly record struct PowerLaw(double Alpha, double Amplitude, double Floor, double Reference)
{
    /// <summary>Number of fitted parameters: α, a and L_0.</summary>
    public const int Parameters = 3;

    /// <summary>D_c, the number of tokens at which the falling part of the loss is 1 nat.</summary>
    public double DataScale => Reference * Math.Pow(Amplitude, 1 / Alpha);

    /// <summary>Returns the loss after a number of tokens.</summary>
    public double At(double tokens) => (Amplitude * Math.Pow(tokens / Reference, -Alpha)) + Floor;

    /// <summary>Returns the derivatives of the loss with respect to α, a and L_0.</summary>
    public double[] Gradient(double tokens)
    {
        var part = Math.Pow(tokens / Reference, -Alpha);
        return [-Amplitude * part * Math.Log(tokens / Reference), part, 1];
    }
}
