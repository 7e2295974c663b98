using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary>Chooses the recipe that recovers a compressed model.</summary>
internal static class RecoveryRecipe
{
    // recover-small.json is for models of "up to some tens of millions of parameters".
    private const long MostOfSmall = 100_000_000;

    /// <summary>The file name of the recipe for the model's size, within the folder of recipes.</summary>
    public static string For(ModelOptions model) =>
        ModelCost.Of(model).Parameters < MostOfSmall ? "recover-small.json" : "recover.json";
}
