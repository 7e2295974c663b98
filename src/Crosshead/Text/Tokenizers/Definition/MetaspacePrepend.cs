namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>Before which texts <see cref="Metaspace"/> puts a mark.</summary>
internal enum MetaspacePrepend
{
    /// <summary>Before none.</summary>
    Never,

    /// <summary>Before the one that begins the input.</summary>
    First,

    /// <summary>Before each, also after an added token.</summary>
    Always,
}
