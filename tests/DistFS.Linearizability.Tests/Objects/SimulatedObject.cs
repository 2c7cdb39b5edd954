using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

/// <summary>
/// An object that really runs, one operation at a time, written apart from the model of it; and the operations that a
/// random client would ask of it, from few values so that they meet.
/// </summary>
internal abstract class SimulatedObject<TInput, TOutput>
{
    private long _value;

    public abstract TInput NextInput(Prng random);

    public abstract TOutput Apply(TInput input);

    /// <summary>Some answer to such a question, most often wrong.</summary>
    public abstract TOutput NextOutput(TInput input, Prng random);

    /// <summary>A value that was never given before.</summary>
    protected long NextValue() => ++_value;
}
