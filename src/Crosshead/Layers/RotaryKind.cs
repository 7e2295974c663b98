namespace Crosshead.Layers;

/// <summary>Which rotary angles a layer has.</summary>
public enum RotaryKind
{
    /// <summary>Those of the model.</summary>
    Usual,

    /// <summary>Those of the layers with a window, where these have angles of their own.</summary>
    Window,

    /// <summary>None: queries and keys are not rotated.</summary>
    None,
}
