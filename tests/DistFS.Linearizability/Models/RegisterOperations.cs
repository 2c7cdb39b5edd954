using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>What a register is asked.</summary>
public enum RegisterInputKind
{
    /// <summary>Gives the value.</summary>
    Read,

    /// <summary>Replaces it.</summary>
    Write,

    /// <summary>Replaces it if it is the expected one.</summary>
    CompareAndSwap,
}

/// <summary>One operation of a register.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Value">The new value.</param>
/// <param name="Expected">The value that a compare-and-swap replaces.</param>
public readonly record struct RegisterInput(RegisterInputKind Kind, long Value, long Expected)
{
    /// <summary>Gives the value.</summary>
    public static RegisterInput Read { get; } = new(RegisterInputKind.Read, 0, 0);

    /// <summary>Replaces the value.</summary>
    public static RegisterInput Write(long value) => new(RegisterInputKind.Write, value, 0);

    /// <summary>Replaces the value if it is the expected one.</summary>
    public static RegisterInput CompareAndSwap(long expected, long value) =>
        new(RegisterInputKind.CompareAndSwap, value, expected);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        RegisterInputKind.Read => "read",
        RegisterInputKind.Write => string.Create(CultureInfo.InvariantCulture, $"write {Value}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"compare {Expected} and swap {Value}"),
    };
}

/// <summary>How a register answered.</summary>
public enum RegisterOutputKind
{
    /// <summary>A write was done.</summary>
    Ok,

    /// <summary>A read gave a value.</summary>
    Value,

    /// <summary>The value was the expected one.</summary>
    Swapped,

    /// <summary>It was another.</summary>
    NotSwapped,
}

/// <summary>An answer of a register.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Value">What was read.</param>
public readonly record struct RegisterOutput(RegisterOutputKind Kind, long Value)
{
    /// <summary>A write was done.</summary>
    public static RegisterOutput Ok { get; } = new(RegisterOutputKind.Ok, 0);

    /// <summary>The value was the expected one and is replaced.</summary>
    public static RegisterOutput Swapped { get; } = new(RegisterOutputKind.Swapped, 0);

    /// <summary>The value was another and stays.</summary>
    public static RegisterOutput NotSwapped { get; } = new(RegisterOutputKind.NotSwapped, 0);

    /// <summary>What was read.</summary>
    public static RegisterOutput Of(long value) => new(RegisterOutputKind.Value, value);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        RegisterOutputKind.Ok => "ok",
        RegisterOutputKind.Value => Value.ToString(CultureInfo.InvariantCulture),
        RegisterOutputKind.Swapped => "swapped",
        _ => "not swapped",
    };
}
