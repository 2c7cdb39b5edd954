global using Xunit;
using System.Runtime.CompilerServices;

namespace DistFS.Primitives.Tests;

internal static class AssemblySetup
{
    [ModuleInitializer]
    public static void Initialise() => Check.ThrowInsteadOfFailFast();
}
