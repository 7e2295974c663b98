using Crosshead.Runtime.MachineCode;
using static Crosshead.Runtime.MachineCode.Register;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Writes the machine code that multiplies blocks of sixteen rows of Q4_K by a vector
/// (<see cref="QuadTileArguments"/>). Half a block of a row is 64 bytes, whose lower and upper halves are the codes of
/// four runs. Two rows are multiplied together: first their bytes 0 to 15 and 32 to 47, then the others. So four sums
/// are left of a run. Those of eight rows are added up by shuffles.
/// </summary>
/// <param name="asksAgain">Whether the next block but one is asked for, too.</param>
internal sealed class QuadTileWriter(bool asksAgain)
{
    private const int Bytes = 64, // of a register, and of half a block without its scales
        ScaleBytes = 16, Runs = 8, Lines = 9; // that each eight rows ask for
    private const int Evens = 0x88, Odds = 0xdd; // of lanes or quarters
    private const Register Arguments = Rax, Stride = R8, ThreeStrides = R9, Blocks = R10, Scales = R11, Records = R12,
        Inputs = R13, Next = R14, Sums = R15;

    // Rows 0, 4, 8 and 12.
    private static readonly Register[] s_rows = [Rcx, Rdx, Rsi, Rdi];

    /// <summary>Writes the function.</summary>
    public void Write(Assembler a)
    {
        a.Enter(Arguments, Rsi, Rdi, R12, R13, R14, R15);
        a.Load(s_rows[0], At(nameof(QuadTileArguments.Weights)));
        a.Load(Stride, At(nameof(QuadTileArguments.Stride)));
        for (var i = 1; i < s_rows.Length; i++) a.LoadAddress(s_rows[i], new Address(s_rows[i - 1], 0, Stride, 4));
        a.LoadAddress(ThreeStrides, new Address(Stride, 0, Stride, 2));
        a.Load(Blocks, At(nameof(QuadTileArguments.Blocks)));
        a.Load(Scales, At(nameof(QuadTileArguments.Scales)));
        a.Load(Records, At(nameof(QuadTileArguments.Records)));
        a.Load(Inputs, At(nameof(QuadTileArguments.Inputs)));
        a.Load(Next, At(nameof(QuadTileArguments.Next)));
        a.Load(Sums, At(nameof(QuadTileArguments.Sums)));
        a.Broadcast(Lower, At(nameof(QuadTileArguments.Lower)));
        a.Broadcast(Upper, At(nameof(QuadTileArguments.Upper)));
        a.Load(Sum, new Address(Sums));
        var block = a.Here();
        for (var half = 0; half < 2; half++) WriteHalf(a, half);
        foreach (var row in s_rows) a.Add(row, Q4KCodes.Bytes);
        a.Add(Scales, 2 * Runs * Bytes);
        a.Add(Records, Runs * InputCodes.RecordBytes);
        a.Add(Inputs, Runs * QuadTile.InputBytes);
        a.Add(Next, 4 * Lines * Bytes);
        a.Subtract(Blocks, 1);
        a.Jump(Condition.NotEqual, block);
        a.Store(new Address(Sums), Sum);
        a.Leave();
    }

    private void WriteHalf(Assembler a, int half)
    {
        for (var i = 0; i < 4; i++) a.Load(Input(i), new Address(Inputs, ((4 * half) + i) * QuadTile.InputBytes));
        for (var eight = 0; eight < 2; eight++)
        {
            var ahead = ((2 * half) + eight) * Lines;
            for (var i = 0; i < 4; i++)
            {
                WriteTwo(a, half, eight, i);
                for (var line = i * Lines / 4; line < (i + 1) * Lines / 4; line++)
                    a.Prefetch(new Address(Next, (ahead + line) * Bytes));
            }
            WriteSums(a, Lows, Products(eight, 0));
            WriteSums(a, Highs, Products(eight, 1));
        }
        for (var i = 0; i < 4; i++) WriteRun(a, (4 * half) + i);
    }

    // Rows i and i + 4 of eight.
    private void WriteTwo(Assembler a, int half, int eight, int i)
    {
        var (low, high) = (Lows + i, Highs + i);
        var (first, second) = (Passing(4 * i), Passing((4 * i) + 1));
        var (codes, others) = (Passing((4 * i) + 2), Passing((4 * i) + 3));
        foreach (var (to, row) in new[] { (first, 2 * eight), (second, (2 * eight) + 1) })
        {
            a.Load(to, Row(row, i, ScaleBytes + (half * Bytes)));
            if (asksAgain) a.Prefetch(Row(row, i, (2 * Q4KCodes.Bytes) + ScaleBytes + (half * Bytes)));
        }
        a.ShuffleQuarters(codes, first, second, Evens);
        a.ShuffleQuarters(others, first, second, Odds);
        a.Clear(low);
        a.Clear(high);
        a.And(first, codes, Lower);
        a.And(second, others, Lower);
        a.AddByteProducts(low, first, Input(0));
        a.AddByteProducts(low, second, Input(1));
        a.And(codes, codes, Upper); // sixteen times the codes
        a.And(others, others, Upper);
        a.AddByteProducts(high, codes, Input(2));
        a.AddByteProducts(high, others, Input(3));
    }

    // Of four registers whose lanes are [2 rows, 2 runs, 4] to one with [2, 2, 4 registers].
    private static void WriteSums(Assembler a, VectorRegister from, VectorRegister to)
    {
        WriteAdded(a, from, from, from + 1);
        WriteAdded(a, from + 2, from + 2, from + 3);
        WriteAdded(a, to, from, from + 2);
    }

    private static void WriteAdded(Assembler a, VectorRegister to, VectorRegister first, VectorRegister second)
    {
        var (even, odd) = (Passing(0), Passing(1));
        a.Shuffle(even, first, second, Evens);
        a.Shuffle(odd, first, second, Odds);
        a.AddIntegers(to, even, odd);
    }

    // Adds a run to the sums: scale · d · products, then the minimum's part.
    private static void WriteRun(Assembler a, int run)
    {
        var (products, scale, high) = (Passing(2 * run), Passing((2 * run) + 1), run % 2);
        a.ShuffleQuarters(products, Products(0, high), Products(1, high), run % 4 < 2 ? Evens : Odds);
        if (high == 1) a.ShiftRight(products, products, 4);
        a.ToFloat32(products, products);
        var record = (run * InputCodes.RecordBytes) + InputCodes.Columns;
        a.Load(scale, new Address(Scales, run * Bytes));
        a.Multiply(scale, scale, VectorOperand.One(new Address(Records, record)));
        a.AddProduct(Sum, products, scale);
        a.Load(scale, new Address(Scales, (Runs + run) * Bytes));
        a.AddProduct(Sum, scale, VectorOperand.One(new Address(Records, record + sizeof(float))));
    }

    private static Address At(string field) => Address.OfField<QuadTileArguments>(Arguments, field);

    // Some bytes of row i behind one of the four rows.
    private static Address Row(int four, int i, int bytes) => i switch
    {
        0 => new(s_rows[four], bytes),
        3 => new(s_rows[four], bytes, ThreeStrides),
        _ => new(s_rows[four], bytes, Stride, i),
    };

    private static VectorRegister Sum => new(0);

    private static VectorRegister Lower => new(1);

    private static VectorRegister Upper => new(2);

    private static VectorRegister Lows => new(8); // of four pairs of rows

    private static VectorRegister Highs => new(12);

    private static VectorRegister Input(int i) => new(3 + i);

    private static VectorRegister Passing(int i) => new(16 + (i % 8));

    private static VectorRegister Products(int eight, int high) => new(24 + (2 * eight) + high);
}
