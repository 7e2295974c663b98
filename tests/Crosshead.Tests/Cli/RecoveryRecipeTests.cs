using Crosshead.Cli.Commands;
using Crosshead.Model;

namespace Crosshead.Tests.Cli;

public sealed class RecoveryRecipeTests
{
    [Theory]
    [InlineData(64, 5, "recover-small.json")]
    [InlineData(512, 8, "recover-small.json")]
    [InlineData(2048, 16, "recover.json")]
    public void The_recipe_follows_the_model_s_size(int width, int layers, string recipe) =>
        Assert.Equal(recipe, RecoveryRecipe.For(new ModelOptions { HiddenSize = width, Layers = layers }));
}
