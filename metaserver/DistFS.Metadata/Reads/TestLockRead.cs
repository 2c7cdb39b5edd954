using DistFS.Metadata.Locks;
using DistFS.Primitives;

namespace DistFS.Metadata.Reads;

/// <summary>fcntl with F_GETLK (POSIX): what stands in the way of a lock.</summary>
public static class TestLockRead
{
    /// <summary>The first lock that is held and conflicts; null if the lock could be had.</summary>
    public static FileLock? Apply(in ReadContext context, InodeId inode, FileLock wanted)
    {
        foreach (var held in context.Tree.Locks(inode).Held)
        {
            if (held.Conflicts(wanted))
            {
                return held;
            }
        }

        return null;
    }
}
