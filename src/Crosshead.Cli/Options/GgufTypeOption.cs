using System.CommandLine;
using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Cli.Options;

/// <summary>The type of a GGUF file: <c>--type</c>.</summary>
internal sealed class GgufTypeOption
{
    private const string Name = "--type";

    private readonly Option<string?> _option;

    /// <summary>Describes the option and adds it to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="description">What has the type, and what it is without the option.</param>
    /// <param name="required">Whether it must be given.</param>
    public GgufTypeOption(Command command, string description, bool required)
    {
        string[] names = [.. GgufRecipe.All.Select(recipe => recipe.Name)];
        _option = NameOption.Optional(Name, $"{description} One of {string.Join(", ", names)}.", names);
        (_option.HelpName, _option.Required) = ("type", required);
        command.Options.Add(_option);
    }

    /// <summary>What a message calls the option with a type.</summary>
    public static string With(GgufRecipe recipe) => $"{Name} {recipe}";

    /// <summary>The type that was given; null without.</summary>
    public GgufRecipe? In(ParseResult arguments) =>
        arguments.GetValue(_option) is { } name ? GgufRecipe.Named(name) : null;
}
