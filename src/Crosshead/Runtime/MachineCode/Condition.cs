namespace Crosshead.Runtime.MachineCode;

/// <summary>When a jump is taken, after a comparison of two integers or a subtraction.</summary>
internal enum Condition
{
    /// <summary>The first is below the second, without signs.</summary>
    Below = 2,

    /// <summary>The first is not below the second, without signs.</summary>
    NotBelow = 3,

    /// <summary>They are equal; a difference is 0.</summary>
    Equal = 4,

    /// <summary>They are not equal; a difference is not 0.</summary>
    NotEqual = 5,

    /// <summary>The first is less than the second, with signs.</summary>
    Less = 12,

    /// <summary>The first is not less than the second, with signs.</summary>
    NotLess = 13,
}
