// A thumb that has loaded covers its blurred picture; through a transparent one it would shine.
function cover(image) {
  if (image.classList?.contains("thumb")) image.parentElement.classList.add("loaded");
}

document.addEventListener("load", (event) => cover(event.target), true);
for (const image of document.querySelectorAll("img.thumb")) {
  if (image.complete && image.naturalWidth) cover(image);
}
