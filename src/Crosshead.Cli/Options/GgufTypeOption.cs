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
        _option = new(Name)
        {
            Description = $"{description} One of {string.Join(", ", GgufRecipe.All)}.",
            HelpName = "type",
            Required = required,
        };
        command.Options.Add(_option);
    }

    /// <summary>What a message calls the option with a type.</summary>
    public static string With(GgufRecipe recipe) => $"{Name} {recipe}";

    /// <summary>The type that was given; null without.</summary>
    /// <exception cref="CrossheadException">There is no such type.</exception>
    public GgufRecipe? In(ParseResult arguments)
    {
        if (arguments.GetValue(_option) is not { } name) return null;
        return GgufRecipe.All.FirstOrDefault(recipe => recipe.Name == name) ?? throw new CrossheadException(
            $"{Name} must be one of {string.Join(", ", GgufRecipe.All)}; got \"{name}\".");
    }
}
