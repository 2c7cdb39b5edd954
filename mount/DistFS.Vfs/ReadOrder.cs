namespace DistFS.Vfs;

/// <summary>
/// Reads of a file that the kernel has asked for and that are not done yet, by where they begin: which of them may
/// say that they are behind the end. Any thread.
/// </summary>
/// <remarks>
/// To a kernel an answer that is shorter than what it asked for is the end of the file, unless it has learned of
/// another end since it asked (Linux, fuse_read_update_size: attr_version). If others cut the file, it believes in the
/// old end, and reads ahead beyond the new one. Answered first, what is further behind would be taken for the end, and
/// what has the end in it not any more: the program would read zeros up to there. So what was asked for together with
/// something that stands before it gets zeros in full, which say nothing about the end: the other one does.
/// </remarks>
internal sealed class ReadOrder
{
    private readonly Lock _gate = new();
    private readonly List<Read> _reads = [];

    /// <summary>A read that begins there has come.</summary>
    public Read Begin(long offset)
    {
        lock (_gate)
        {
            var read = new Read(this, offset);
            foreach (var other in _reads)
            {
                if (other.Offset < offset)
                {
                    read.IsBehindAnother = true;
                }
                else if (other.Offset > offset)
                {
                    other.IsBehindAnother = true;
                }
            }

            _reads.Add(read);
            return read;
        }
    }

    /// <summary>A read until it is about to be answered.</summary>
    internal sealed class Read(ReadOrder order, long offset)
    {
        public long Offset { get; } = offset;

        /// <summary>Another one that was asked for at the same time stands before it.</summary>
        public bool IsBehindAnother { get; set; }

        /// <summary>It is about to be answered.</summary>
        public void End()
        {
            lock (order._gate)
            {
                order._reads.Remove(this);
            }
        }
    }
}
