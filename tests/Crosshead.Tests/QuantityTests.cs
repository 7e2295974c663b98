namespace Crosshead.Tests;

public sealed class QuantityTests
{
    // A small fall was shown as "-+0.0000".
    [Theory]
    [InlineData(0.01234, "+0.0123")]
    [InlineData(-2.5, "-2.5000")]
    [InlineData(0, "0.0000")]
    [InlineData(0.00004, "0.0000")]
    [InlineData(-0.00004, "0.0000")]
    [InlineData(-0.00006, "-0.0001")]
    public void A_change_has_a_sign_unless_it_rounds_to_zero(double change, string shown) =>
        Assert.Equal(shown, Quantity.Change(change));
}
