using DistFS.Primitives;

namespace DistFS.Client.Cluster;

/// <summary>
/// The numbers of a session's requests: given in order, and acknowledged as far as all are answered, so that the
/// metaservers can forget their replies (docs/design/metadata.md, "Sessions"). Under the caller's lock.
/// </summary>
/// <param name="width">Most numbers between the oldest that is not answered and the newest.</param>
internal sealed class SequenceWindow(int width)
{
    private readonly HashSet<ulong> _answered = [];
    private ulong _last;

    /// <summary>All up to here are answered.</summary>
    public ulong Acknowledged { get; private set; }

    /// <summary>Whether no number can be given at the moment.</summary>
    public bool IsFull => _last - Acknowledged >= (ulong)width;

    /// <summary>The next number.</summary>
    public ulong Take()
    {
        Check.That(!IsFull);
        return ++_last;
    }

    /// <summary>A request was answered, or will never be asked again.</summary>
    public void Answer(ulong sequence)
    {
        Check.That(sequence > Acknowledged && sequence <= _last);
        _answered.Add(sequence);
        while (_answered.Remove(Acknowledged + 1))
        {
            Acknowledged++;
        }
    }
}
