using System.Globalization;

namespace DistFS.Linearizability;

/// <summary>What a lock is asked.</summary>
public enum LockInputKind
{
    /// <summary>To be given to the caller.</summary>
    Acquire,

    /// <summary>To be given back.</summary>
    Release,

    /// <summary>Whether a token is the holder's, as a store does before it accepts a write.</summary>
    Check,

    /// <summary>To be taken from whoever holds it: the end of a lease.</summary>
    Break,
}

/// <summary>One operation of a lock.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Token">The caller's token.</param>
public readonly record struct LockInput(LockInputKind Kind, long Token)
{
    /// <summary>Asks for the lock.</summary>
    public static LockInput Acquire { get; } = new(LockInputKind.Acquire, 0);

    /// <summary>Takes the lock from whoever holds it.</summary>
    public static LockInput Break { get; } = new(LockInputKind.Break, 0);

    /// <summary>Gives the lock back.</summary>
    public static LockInput Release(long token) => new(LockInputKind.Release, token);

    /// <summary>Asks whether the token is the holder's.</summary>
    public static LockInput Check(long token) => new(LockInputKind.Check, token);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        LockInputKind.Acquire => "acquire",
        LockInputKind.Release => string.Create(CultureInfo.InvariantCulture, $"release {Token}"),
        LockInputKind.Check => string.Create(CultureInfo.InvariantCulture, $"check {Token}"),
        _ => "break",
    };
}

/// <summary>How a lock answers.</summary>
public enum LockOutputKind
{
    /// <summary>The caller has the lock.</summary>
    Granted,

    /// <summary>Another has it.</summary>
    Busy,

    /// <summary>The token is or was the holder's; or the lock was broken.</summary>
    Yes,

    /// <summary>The token is not the holder's, and nothing changed.</summary>
    No,
}

/// <summary>An answer of a lock.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Token">The token of a grant; positive.</param>
public readonly record struct LockOutput(LockOutputKind Kind, long Token)
{
    /// <summary>Another has it.</summary>
    public static LockOutput Busy { get; } = new(LockOutputKind.Busy, 0);

    /// <summary>The token is or was the holder's; or the lock was broken.</summary>
    public static LockOutput Yes { get; } = new(LockOutputKind.Yes, 0);

    /// <summary>The token is not the holder's.</summary>
    public static LockOutput No { get; } = new(LockOutputKind.No, 0);

    /// <summary>The caller has the lock, under this token.</summary>
    public static LockOutput Granted(long token) => new(LockOutputKind.Granted, token);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        LockOutputKind.Granted => string.Create(CultureInfo.InvariantCulture, $"granted {Token}"),
        LockOutputKind.Busy => "busy",
        LockOutputKind.Yes => "yes",
        _ => "no",
    };
}
