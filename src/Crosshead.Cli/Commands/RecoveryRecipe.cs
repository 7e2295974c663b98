using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary>Which of the project's recipes recovers a compressed model.</summary>
internal static class RecoveryRecipe
{
    // "Up to some tens of millions of parameters", as recover-small.json says of itself.
    private const long MostOfSmall = 100_000_000;

    /// <summary>The recipe's file, in the folder of recipes, by the model's size.</summary>
    public static string For(ModelOptions model) =>
        ModelCost.Of(model).Parameters < MostOfSmall ? "recover-small.json" : "recover.json";
}
