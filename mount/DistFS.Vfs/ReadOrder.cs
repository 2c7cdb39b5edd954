namespace DistFS.Vfs;

/// <summary>
/// Reads of a file that the kernel has asked for and that are not answered yet, by where they stand: which of them need
/// not say that they are behind the end, since another one does. Any thread.
/// </summary>
/// <remarks>
/// To a kernel an answer that is shorter than what it asked for is the end of the file, unless it has learned of
/// another end since it asked (Linux, fuse_read_update_size: attr_version). If others cut the file, it believes in the
/// old end, and reads ahead beyond the new one. Answered first, what is further behind would be taken for the end, and
/// what has the end in it not any more: the program would read zeros up to there. So if one of the reads that were
/// asked for together reaches the end, those behind it get zeros in full, which say nothing: that one does.
/// </remarks>
internal sealed class ReadOrder
{
    private readonly Lock _gate = new();
    private readonly List<Read> _reads = [];

    /// <summary>A read of so many bytes from there on has come.</summary>
    public Read Begin(long offset, int length)
    {
        var read = new Read(this, offset, offset + length);
        lock (_gate)
        {
            foreach (var other in _reads)
            {
                read.See(other);
                other.See(read);
            }

            _reads.Add(read);
        }

        return read;
    }

    /// <summary>A read until it is answered.</summary>
    internal sealed class Read(ReadOrder order, long offset, long end)
    {
        // Under the gate: somebody waits for another one that stands before it, or for its answer.
        private TaskCompletionSource? _changed;

        /// <summary>
        /// How far those reach that were asked for at the same time and stand before it; 0: there is none. If nothing
        /// stands in the file right before that, one of them says where it ends.
        /// </summary>
        public long OthersEnd { get; private set; }

        /// <summary>
        /// Whether one that stands before it is not answered yet, and a task that ends when one comes or is answered.
        /// </summary>
        public (bool IsBehind, Task Changed) Look()
        {
            lock (order._gate)
            {
                _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return (order._reads.Exists(IsBefore), _changed.Task);
            }
        }

        /// <summary>It is answered. Once more does nothing.</summary>
        public void End()
        {
            lock (order._gate)
            {
                if (order._reads.Remove(this))
                {
                    order._reads.ForEach(other => other.Signal(this));
                }
            }
        }

        /// <summary>Under the gate: asked for at the same time.</summary>
        internal void See(Read other)
        {
            if (IsBefore(other))
            {
                OthersEnd = Math.Max(OthersEnd, other.EndsAt);
                Signal(other);
            }
        }

        private long EndsAt => end;

        private bool IsBefore(Read other) => other.EndsAt <= offset;

        private void Signal(Read other)
        {
            if (_changed is { } changed && IsBefore(other))
            {
                _changed = null;
                changed.TrySetResult();
            }
        }
    }
}
