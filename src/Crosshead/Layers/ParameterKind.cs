namespace Crosshead.Layers;

/// <summary>The kind of a parameter. It determines weight decay and learning-rate group.</summary>
public enum ParameterKind
{
    /// <summary>A projection matrix: decays.</summary>
    Matrix,

    /// <summary>The token embedding or the output head: decays unless the recipe says otherwise.</summary>
    Embedding,

    /// <summary>A norm's weight: does not decay.</summary>
    Norm,

    /// <summary>A bias: does not decay.</summary>
    Bias,

    /// <summary>A mix of heads, or another small matrix between heads: does not decay.</summary>
    Mix,
}
