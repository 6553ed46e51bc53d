// Preselect the time zone of this browser, unless the person chose one before.
const zone = document.getElementById("id_zone");
if (zone && zone.value === "UTC" && !document.querySelector(".summary")) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === own)) zone.value = own;
}
