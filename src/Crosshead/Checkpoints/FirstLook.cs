namespace Crosshead.Checkpoints;

/// <summary>Whether weights are looked at as soon as their files are open, and how.</summary>
internal enum FirstLook
{
    /// <summary>They are not.</summary>
    None,

    /// <summary>Where they are mapped, because they will be read many times.</summary>
    InMap,

    /// <summary>In copies where these are faster, because a first token needs them once.</summary>
    Copied,
}
