using Crosshead.Runtime.MachineCode;
using static Crosshead.Runtime.MachineCode.Register;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Machine code of tiles: eight rows of bfloat16 by two or three vectors of it, whose sums are registers. A function
/// computes several tiles of the same rows, and asks for other rows meanwhile.
/// </summary>
internal static unsafe class PairTileCode
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 8;

    /// <summary>Most vectors of a tile.</summary>
    public const int Vectors = 3;

    private const int Bytes = 64; // of a register

    // Of tiles of two and of three vectors.
    private static readonly nint[] s_functions = GeneratedCode.HasBFloat16Products
        ? [GeneratedCode.Make(code => Write(code, 2)), GeneratedCode.Make(code => Write(code, Vectors))] : [0];

    /// <summary>Whether the processor and the system have them.</summary>
    public static bool IsSupported { get; } = !s_functions.Contains(0);

    /// <summary>Computes tiles.</summary>
    /// <param name="tiles">The tiles.</param>
    /// <param name="vectors">Vectors of each, 2 or 3.</param>
    public static void Run(PairTileArguments* tiles, int vectors) =>
        ((delegate* unmanaged<PairTileArguments*, void>)s_functions[vectors - 2])(tiles);

    private static void Write(Assembler code, int vectors)
    {
        code.Enter(Rax, Rbx, Rbp, Rsi, Rdi, R12, R13, R14, R15);
        code.Load(Rbp, At(nameof(PairTileArguments.Vectors)));
        code.Load(Rdi, At(nameof(PairTileArguments.VectorStride)));
        code.Load(R13, At(nameof(PairTileArguments.Count)));
        code.Load(R12, At(nameof(PairTileArguments.Sums)));
        code.Load(R14, At(nameof(PairTileArguments.Products)));
        code.Load(R15, At(nameof(PairTileArguments.ProductStride)));
        code.Load(R10, At(nameof(PairTileArguments.Ahead)));
        code.Load(R8, At(nameof(PairTileArguments.AheadStride)));
        ThirdRow(code, R11, R10);
        ThirdRow(code, Rbx, R11);

        var tile = code.Here();
        Begin(code, vectors);
        Columns(code, vectors);
        End(code, vectors);
        for (var v = 0; v < vectors; v++) code.Add(Rbp, Rdi);
        code.Add(R12, vectors * Rows * Bytes);
        code.Subtract(R13, 1);
        code.Jump(Condition.NotEqual, tile);

        code.Store(At(nameof(PairTileArguments.Vectors)), Rbp);
        code.Store(At(nameof(PairTileArguments.Sums)), R12);
        code.Store(At(nameof(PairTileArguments.Products)), R14);
        code.Store(At(nameof(PairTileArguments.Ahead)), R10);
        code.Leave();
    }

    // to = the row after next but one.
    private static void ThirdRow(Assembler code, Register to, Register from)
    {
        code.LoadAddress(to, new Address(from, 0, R8, 2));
        code.Add(to, R8);
    }

    private static void Begin(Assembler code, int vectors)
    {
        var (clear, begun) = (new Label(), new Label());
        code.Load(Rdx, At(nameof(PairTileArguments.Begun)));
        code.Compare(Rdx, 0);
        code.Jump(Condition.Equal, clear);
        for (var i = 0; i < vectors * Rows; i++) code.Load(new VectorRegister(i), new Address(R12, i * Bytes));
        code.Jump(begun);
        code.Place(clear);
        for (var i = 0; i < vectors * Rows; i++) code.Clear(new VectorRegister(i));
        code.Place(begun);
    }

    private static void Columns(Assembler code, int vectors)
    {
        var (others, done) = (new Label(), new Label());
        code.Load(Rcx, At(nameof(PairTileArguments.Panel)));
        code.Load(R9, At(nameof(PairTileArguments.PanelBytes)));
        code.Add(R9, Rcx);
        code.Move(Rsi, Rbp);
        code.Load(Rdx, At(nameof(PairTileArguments.AheadLines)));
        code.Compare(Rdx, 0);
        code.Jump(Condition.Equal, others);
        var asking = code.Here();
        Columns32(code, vectors, asks: true);
        code.Subtract(Rdx, 1);
        code.Jump(Condition.NotEqual, asking);
        code.Compare(Rcx, R9);
        code.Jump(Condition.NotBelow, done);
        code.Place(others);
        Columns32(code, vectors, asks: false);
        code.Compare(Rcx, R9);
        code.Jump(Condition.Below, others);
        code.Place(done);
    }

    private static void Columns32(Assembler code, int vectors, bool asks)
    {
        var (vector, weights) = (new VectorRegister(Vectors * Rows), new VectorRegister((Vectors * Rows) + Vectors));
        ReadOnlySpan<Register> thirds = [R10, R11, Rbx];
        for (var v = 0; v < vectors; v++) code.Load(vector + v, Apart(Rsi, Rdi, v));
        for (var row = 0; row < Rows; row++)
        {
            var own = weights + (row % 4); // a load need not wait for products
            code.Load(own, new Address(Rcx, row * Bytes));
            if (asks) code.Prefetch(Apart(thirds[row / 3], R8, row % 3));
            for (var v = 0; v < vectors; v++) code.AddBFloat16Products(Sum(v, row), vector + v, own);
        }
        code.Add(Rcx, Rows * Bytes);
        code.Add(Rsi, Bytes);
        for (var i = 0; asks && i < thirds.Length; i++) code.Add(thirds[i], Bytes);
    }

    private static void End(Assembler code, int vectors)
    {
        var (keep, ended) = (new Label(), new Label());
        code.Load(Rdx, At(nameof(PairTileArguments.Ends)));
        code.Compare(Rdx, 0);
        code.Jump(Condition.Equal, keep);
        for (var v = 0; v < vectors; v++)
        {
            AddLanes(code, v);
            code.Store32(new Address(R14), Sum(v, 0));
            code.Add(R14, R15);
        }
        code.Jump(ended);
        code.Place(keep);
        for (var i = 0; i < vectors * Rows; i++) code.Store(new Address(R12, i * Bytes), new VectorRegister(i));
        code.Place(ended);
    }

    // The lower half of the first sum = the sums of the lanes of all eight, as LaneSums.OfEight adds them.
    private static void AddLanes(Assembler code, int vector)
    {
        var (low, high) = (new VectorRegister(Vectors * Rows), new VectorRegister((Vectors * Rows) + 1));
        foreach (var (first, second) in new[] { (0, 4), (2, 6), (1, 5), (3, 7) }) // lanes eight apart
            Quarters(first, second, 0b01_00_01_00, 0b11_10_11_10);
        Quarters(0, 2, 0b10_00_10_00, 0b11_01_11_01); // four apart
        Quarters(1, 3, 0b10_00_10_00, 0b11_01_11_01);
        var sum = Sum(vector, 0);
        code.Shuffle(low, sum, Sum(vector, 1), 0b01_00_01_00); // two apart
        code.Shuffle(high, sum, Sum(vector, 1), 0b11_10_11_10);
        code.Add(sum, low, high);
        code.ShuffleQuarters(Sum(vector, 1), sum, sum, 0b11_10_11_10); // one apart
        code.Shuffle(low, sum, Sum(vector, 1), 0b10_00_10_00);
        code.Shuffle(high, sum, Sum(vector, 1), 0b11_01_11_01);
        code.Add(sum, low, high);

        void Quarters(int first, int second, int lower, int upper)
        {
            code.ShuffleQuarters(low, Sum(vector, first), Sum(vector, second), lower);
            code.ShuffleQuarters(high, Sum(vector, first), Sum(vector, second), upper);
            code.Add(Sum(vector, first), low, high);
        }
    }

    private static VectorRegister Sum(int vector, int row) => new((vector * Rows) + row);

    private static Address Apart(Register from, Register stride, int strides) =>
        strides == 0 ? new Address(from) : new Address(from, 0, stride, strides);

    private static Address At(string field) => Address.OfField<PairTileArguments>(Rax, field);
}
