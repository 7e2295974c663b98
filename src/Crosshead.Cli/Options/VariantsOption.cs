using Crosshead.Attention;

namespace Crosshead.Cli.Options;

/// <summary>The option <c>--variants</c>.</summary>
internal static class VariantsOption
{
    /// <summary>The option's name.</summary>
    public const string Name = "--variants";

    /// <summary>What the option takes, for the help.</summary>
    public static string Description =>
        "Attention variants, separated by commas: " + string.Join(", ", AttentionVariants.Names) + ".";

    /// <summary>The variants of a list, in its order.</summary>
    /// <param name="text">The list as typed.</param>
    /// <exception cref="CrossheadException">A variant is unknown or named twice, or the list is empty.</exception>
    public static IReadOnlyList<AttentionVariant> Read(string text) => ListOption.Read(Name, text,
        item => AttentionVariants.Parse(NameOption.Known(Name, item,
            [.. AttentionVariants.Names, AttentionVariants.MultiHead])), "gqa,mea");
}
